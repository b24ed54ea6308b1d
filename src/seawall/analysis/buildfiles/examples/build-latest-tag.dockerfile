# bad
FROM nginx:latest

# bad
ARG TAG=latest
FROM nginx:${TAG}

# good
FROM nginx:1.29

# good
FROM registry.example:5000/latest:1.2

# good
FROM nginx:latest@sha256:0000000000000000000000000000000000000000000000000000000000000000
