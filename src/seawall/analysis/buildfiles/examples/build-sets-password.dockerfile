# bad
FROM debian:13
RUN echo 'root:Winter2026' | chpasswd

# good
FROM debian:13
RUN useradd --no-log-init --shell /usr/sbin/nologin app
