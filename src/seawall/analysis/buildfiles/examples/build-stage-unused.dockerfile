# bad
FROM alpine:3.22 AS test
RUN make test
FROM alpine:3.22

# good
FROM alpine:3.22 AS test
RUN make test
FROM alpine:3.22
COPY --from=test /report /
