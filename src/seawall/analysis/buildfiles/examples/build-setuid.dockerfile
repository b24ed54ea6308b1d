# bad
FROM alpine:3.22
RUN chmod u+s /usr/local/bin/tool

# bad
FROM alpine:3.22
RUN chmod 4755 /usr/local/bin/tool

# good
FROM alpine:3.22
RUN chmod 1777 /tmp && chmod 2755 /srv && chmod u+x,g+s /srv/a && chmod a-s /bin/su

# good
FROM alpine:3.22 AS build
RUN chmod 4755 /tool
FROM alpine:3.22
CMD ["/app"]
