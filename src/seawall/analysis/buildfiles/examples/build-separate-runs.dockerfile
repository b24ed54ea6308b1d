# bad
FROM alpine:3.22
RUN touch /a
RUN touch /b

# good
FROM alpine:3.22
RUN touch /a && touch /b
COPY c /c
RUN touch /d
