# bad
FROM node:24
ARG NPM_TOKEN
RUN npm ci

# good
FROM node:24
ARG VERSION
RUN --mount=type=secret,id=npm,env=NPM_TOKEN npm ci
