# bad
FROM centos:7

# bad
FROM node:16-alpine

# bad
FROM python:3.13-slim-buster

# bad
FROM docker.io/library/debian:stretch

# good
FROM alpine:99.1

# good
FROM example.com/centos:7

# good
FROM node:24-bookworm
