# bad
FROM alpine:3.22
ENTRYPOINT ["a"]
ENTRYPOINT ["b"]

# good
FROM alpine:3.22
ENTRYPOINT ["a"]
CMD ["b"]
