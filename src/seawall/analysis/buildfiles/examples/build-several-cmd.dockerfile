# bad
FROM alpine:3.22
CMD ["a"]
CMD ["b"]

# good
FROM alpine:3.22 AS a
CMD ["a"]
FROM alpine:3.22
CMD ["b"]
