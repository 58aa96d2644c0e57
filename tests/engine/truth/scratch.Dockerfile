# file app 70001
FROM scratch
# near: one program and nothing else
COPY app /app
CMD ["/app"]
