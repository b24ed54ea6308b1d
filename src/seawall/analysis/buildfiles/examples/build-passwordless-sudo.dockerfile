# bad
FROM debian:13
RUN useradd app && echo 'app ALL=(ALL) NOPASSWD:ALL' >> /etc/sudoers

# good
FROM debian:13
RUN useradd app
USER app
