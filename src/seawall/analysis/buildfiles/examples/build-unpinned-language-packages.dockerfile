# bad
FROM python:3.14
RUN pip install requests

# bad
FROM node:24
RUN npm install -g typescript

# bad
FROM golang:1.26
RUN go install example.com/tool@latest

# bad
FROM ruby:3.4
RUN gem install bundler

# good
FROM python:3.14
RUN pip install requests==2.32.5 && pip install -r requirements.txt && pip install .

# good
FROM node:24
RUN npm install -g typescript@5.9.3 && npm ci

# good
FROM golang:1.26
RUN go install example.com/tool@v1.2.3

# good
FROM ruby:3.4
RUN gem install bundler -v 2.7.2
