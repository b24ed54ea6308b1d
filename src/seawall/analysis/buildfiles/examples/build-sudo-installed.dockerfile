# bad
FROM debian:13
RUN apt-get update && apt-get install -y --no-install-recommends sudo curl

# good
FROM debian:13
RUN apt-get update && apt-get install -y --no-install-recommends gosu
