# bad
FROM fedora:44
RUN dnf install curl && dnf clean all

# bad
FROM opensuse/leap:16.0
RUN zypper install curl

# good
FROM fedora:44
RUN dnf -y install curl && dnf clean all

# good
FROM opensuse/leap:16.0
RUN zypper -n install curl
