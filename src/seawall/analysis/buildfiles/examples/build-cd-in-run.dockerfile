# bad
FROM alpine:3.22
RUN cd /src && make

# good
FROM alpine:3.22
WORKDIR /src
RUN make
