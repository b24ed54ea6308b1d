# bad
FROM alpine:3.22
ONBUILD FROM debian:13

# good
FROM alpine:3.22
ONBUILD RUN make
