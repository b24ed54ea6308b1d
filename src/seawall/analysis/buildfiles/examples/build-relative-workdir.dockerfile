# bad
FROM alpine:3.22
WORKDIR app

# good
FROM alpine:3.22
WORKDIR /app
WORKDIR ${HOME}

# good
# escape=`
FROM mcr.microsoft.com/windows/nanoserver:ltsc2025
WORKDIR C:\app
