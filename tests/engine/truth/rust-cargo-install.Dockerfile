FROM rust:1
# waste package-cache @/usr/local/cargo/registry,@/usr/local/cargo/.package-cache* A
# near: the program and cargo's records of it
# also debug-symbols
RUN mkdir -p /opt/hello/src && cd /opt/hello && printf '[package]\nname = "hello"\nversion = "1.0.0"\nedition = "2021"\n[dependencies]\nitoa = "1.0.11"\n' > Cargo.toml && printf 'fn main() { println!("{}", itoa::Buffer::new().format(7)); }\n' > src/main.rs && cargo install --path . --root /usr/local && rm -rf /opt/hello
CMD ["hello"]
