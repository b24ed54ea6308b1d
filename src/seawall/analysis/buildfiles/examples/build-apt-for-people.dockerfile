# bad
FROM debian:13
RUN apt install -y curl

# good
FROM debian:13
RUN apt-get install -y curl
