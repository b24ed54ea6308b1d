# bad
FROM python:3.14
RUN pip install --index-url http://pypi.example.com/simple tool==1.0

# bad
FROM node:24
RUN npm install --registry=http://npm.example.com tool@1.0

# bad
FROM ruby:3.4
RUN gem sources --add http://gems.example.com/

# good
FROM python:3.14
RUN pip install --index-url https://pypi.example.com/simple tool==1.0
