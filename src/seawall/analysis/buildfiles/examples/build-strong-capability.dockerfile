# bad
FROM alpine:3.22
RUN setcap cap_sys_admin,cap_net_raw+ep /usr/bin/tool

# good
FROM alpine:3.22
RUN setcap cap_net_bind_service=+ep /usr/bin/server
