# bad
FROM alpine:3.22
COPY .env /app/.env

# bad
FROM alpine:3.22
COPY deploy/id_rsa /root/.ssh/

# bad
FROM node:24 AS build
COPY .npmrc package.json ./
RUN npm ci
FROM node:24
COPY --from=build /app /app

# good
FROM alpine:3.22
COPY .env.example /app/.env.example
COPY public.pem /etc/
