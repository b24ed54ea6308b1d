# bad
FROM python:3.14
RUN pip install requests==2.32.5

# bad
FROM node:24
RUN yarn install --frozen-lockfile

# good
FROM python:3.14
RUN pip install --no-cache-dir requests==2.32.5

# good
FROM python:3.14
ENV PIP_NO_CACHE_DIR=1
RUN python3 -m pip install requests==2.32.5

# good
FROM node:24
RUN yarn install --frozen-lockfile && yarn cache clean
