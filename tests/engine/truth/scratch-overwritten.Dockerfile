# file one 70002
# file two 70003
FROM scratch
# waste[x] overwritten-later 70002 A
COPY one /app
# hides[x]
COPY two /app
