# bad
FROM debian:13
RUN service nginx start

# good
FROM debian:13
RUN nginx -t
