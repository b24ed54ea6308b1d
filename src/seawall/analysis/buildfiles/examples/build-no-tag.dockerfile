# bad
FROM nginx

# bad
FROM registry.example:5000/shop/web

# good
FROM nginx:1.29

# good
FROM scratch

# good
FROM nginx:1.29 AS base
FROM base

# good
ARG BASE
FROM ${BASE}
