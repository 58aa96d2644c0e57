FROM debian:bookworm-slim
# near: a folder of that name with content, beside a manifest of cargo
RUN mkdir -p /app/target/release/deps /app/target/deps && seq 1 30000 > /app/target/release/deps/map.json && seq 1 20000 > /app/target/index.html && seq 1 9000 > /app/target/deps/list.txt
CMD ["cat", "/app/target/index.html"]
