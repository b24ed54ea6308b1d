# bad
FROM alpine:3.22
ENV BASE=/opt BIN=$BASE/bin

# good
FROM alpine:3.22
ENV BASE=/opt
ENV BIN=$BASE/bin PATH=$BASE/bin:$PATH
