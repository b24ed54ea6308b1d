# bad
FROM alpine:3.22
RUN git clone https://deploy:h8Fj2kLq0a@git.example.com/shop.git

# bad
FROM alpine:3.22
RUN curl -u admin:h8Fj2kLq0a https://example.com/data.json -o /data.json

# bad
FROM alpine:3.22
RUN PGPASSWORD=h8Fj2kLq0a psql -h db -f /schema.sql

# bad
FROM node:24
RUN echo "//registry.npmjs.org/:_authToken=h8Fj2kLq0a9s" > /root/.npmrc

# bad
FROM docker:29
RUN docker login -u me -p h8Fj2kLq0a registry.example.com

# bad
FROM node:24
RUN npm config set //registry.example.com/:_authToken h8Fj2kLq0a9s

# bad
FROM debian:13
RUN aws configure set aws_secret_access_key h8Fj2kLq0a9sh8Fj2kLq0a9s

# good
FROM node:24
RUN npm config set //registry.example.com/:_authToken '${NPM_TOKEN}'

# good
FROM alpine:3.22
RUN --mount=type=secret,id=token git clone "https://deploy:$(cat /run/secrets/token)@git.example.com/shop.git"

# good
FROM alpine:3.22
RUN mkdir -p /srv/app && tar -xf /app.tar -C /srv/app --password-file=/dev/null

# good
FROM node:24
RUN echo "//registry.npmjs.org/:_authToken=${NPM_TOKEN}" > /root/.npmrc
