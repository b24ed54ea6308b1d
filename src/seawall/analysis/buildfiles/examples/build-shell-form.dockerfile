# bad
FROM alpine:3.22
ENTRYPOINT /app --serve

# good
FROM alpine:3.22
ENTRYPOINT ["/app", "--serve"]

# good
FROM alpine:3.22
CMD exec /app --port=$PORT
