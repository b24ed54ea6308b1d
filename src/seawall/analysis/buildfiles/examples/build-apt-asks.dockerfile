# bad
FROM debian:13
RUN apt-get update && apt-get install curl

# good
FROM debian:13
RUN apt-get update && apt-get -qqy install curl

# good
FROM debian:13
RUN apt-get update && apt-get install --no-install-recommends --assume-yes curl
