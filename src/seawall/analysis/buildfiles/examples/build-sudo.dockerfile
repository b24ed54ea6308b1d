# bad
FROM debian:13
RUN apt-get update && sudo apt-get install -y curl

# good
FROM debian:13
RUN apt-get update && apt-get install -y curl
RUN echo 'sudo is not used' > /notes
