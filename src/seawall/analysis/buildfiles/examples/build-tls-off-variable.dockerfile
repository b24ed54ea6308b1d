# bad
FROM node:24
ENV NODE_TLS_REJECT_UNAUTHORIZED=0

# bad
FROM alpine:3.22
RUN GIT_SSL_NO_VERIFY=1 git clone https://git.example.com/shop.git

# bad
FROM golang:1.25
RUN go env -w GOINSECURE=example.com/*

# good
FROM node:24
ENV NODE_TLS_REJECT_UNAUTHORIZED=1
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/own.pem
