# bad
FROM alpine:3.22
COPY --chmod=777 start.sh /

# bad
FROM alpine:3.22
COPY --chmod=a+rwx start.sh /

# good
FROM alpine:3.22
COPY --chmod=755 start.sh /

# good
FROM alpine:3.22
COPY --chmod=u+w,a+x start.sh /
