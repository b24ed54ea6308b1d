# bad
FROM alpine:3.22
RUN GIT_SSH_COMMAND='ssh -o StrictHostKeyChecking=no' git clone git@git.example.com:shop.git

# bad
FROM alpine:3.22
RUN echo 'StrictHostKeyChecking no' >> /etc/ssh/ssh_config

# good
FROM alpine:3.22
RUN echo 'StrictHostKeyChecking yes' >> /etc/ssh/ssh_config
