# bad
FROM node:24-alpine
USER node

# good
FROM node:24-alpine
USER 1000
