# bad
FROM alpine:3.22
ADD app.py /app/

# good
FROM alpine:3.22
COPY app.py /app/
ADD rootfs.tar.xz /
