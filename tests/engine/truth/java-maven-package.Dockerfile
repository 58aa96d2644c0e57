FROM maven:3
WORKDIR /src
# waste package-cache @/root/.m2/repository B
# near: the jar that starts
# also sources log-temp
RUN mkdir -p src/main/java && printf 'public class Main { public static void main(String[] a) { System.out.println(1); } }\n' > src/main/java/Main.java \
    && printf '<project><modelVersion>4.0.0</modelVersion><groupId>a</groupId><artifactId>a</artifactId><version>1</version><properties><maven.compiler.source>17</maven.compiler.source><maven.compiler.target>17</maven.compiler.target><project.build.sourceEncoding>UTF-8</project.build.sourceEncoding></properties></project>' > pom.xml \
    && mvn -q -B package
CMD ["java", "-cp", "/src/target/a-1.jar", "Main"]
