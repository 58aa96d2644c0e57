FROM debian:bookworm-slim
# file .vscode/settings.json 3001
# file .idea/workspace.xml 2002
# file src/main.py 900
# file .DS_Store 600
# file Jenkinsfile 40
# waste context-junk 5643 B
COPY . /app
