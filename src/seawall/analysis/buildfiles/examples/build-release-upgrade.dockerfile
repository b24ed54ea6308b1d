# bad
FROM debian:13
RUN apt-get update && apt-get -y dist-upgrade

# good
FROM debian:13
RUN apt-get update && apt-get -y upgrade
