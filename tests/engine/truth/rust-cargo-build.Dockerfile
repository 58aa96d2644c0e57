FROM rust:1
WORKDIR /src
# waste package-cache @/usr/local/cargo/registry,@/usr/local/cargo/.package-cache* A
# waste build-objects @/src/target,!/src/target/release/app A
# waste sources @/src/src,@/src/Cargo.toml,@/src/Cargo.lock C
# near: the program, whose second name lies in deps
# also debug-symbols
RUN mkdir src && printf '[package]\nname = "app"\nversion = "1.0.0"\nedition = "2021"\n[dependencies]\nitoa = "1.0.11"\n' > Cargo.toml && printf 'fn main() { println!("{}", itoa::Buffer::new().format(7)); }\n' > src/main.rs && cargo build --release
CMD ["/src/target/release/app"]
