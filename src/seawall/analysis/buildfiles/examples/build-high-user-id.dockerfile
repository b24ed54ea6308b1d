# bad
FROM debian:13
RUN useradd -u 1000710000 app

# good
FROM debian:13
RUN useradd -l -u 1000710000 app

# good
FROM debian:13
RUN useradd -u 10001 app
