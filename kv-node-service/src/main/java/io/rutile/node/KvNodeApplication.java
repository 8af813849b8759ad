package io.rutile.node;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

/** The KV node as a service. Its HTTP port is the management port: health, metrics, info. */
@SpringBootApplication(proxyBeanMethods = false)
public class KvNodeApplication {

    public static void main(String[] args) {
        SpringApplication.run(KvNodeApplication.class, args);
    }
}
