# bad
FROM python:3.14
RUN pip install --trusted-host pypi.org requests==2.32.5

# bad
FROM node:24
RUN npm config set strict-ssl false

# bad
FROM alpine:3.22
RUN git config --global http.sslVerify false

# bad
FROM maven:3-eclipse-temurin-25
RUN mvn -B package -Dmaven.wagon.http.ssl.insecure=true

# good
FROM python:3.14
RUN pip install requests==2.32.5

# good
FROM node:24
RUN npm config set strict-ssl true
