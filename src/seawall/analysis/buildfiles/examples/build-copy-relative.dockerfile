# bad
FROM alpine:3.22
COPY app.py app/

# good
FROM alpine:3.22
WORKDIR /srv
COPY app.py app/

# good
FROM alpine:3.22
COPY app.py /srv/
