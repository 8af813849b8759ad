package io.rutile.pd;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

/** One member of the Placement Driver as a process of its own. */
@SpringBootApplication
public class PdApplication {

    public static void main(String[] args) {
        SpringApplication.run(PdApplication.class, args);
    }
}
