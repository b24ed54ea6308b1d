# bad
FROM debian:13
RUN echo 'root:Winter2026' | chpasswd

# bad
FROM debian:13
RUN useradd --no-log-init -p '$6$Lq0a$h8Fj2k' app

# good
FROM debian:13
RUN usermod -p '!' root

# good
FROM debian:13
RUN useradd --no-log-init --shell /usr/sbin/nologin app
