# bad
FROM alpine:3.22
RUN chmod -R 777 /app

# bad
FROM alpine:3.22
RUN chmod a+rwx /app/start.sh

# good
FROM alpine:3.22
RUN chmod 755 /app && chmod 1777 /scratch && chmod g+w /data && chmod +x /start.sh
