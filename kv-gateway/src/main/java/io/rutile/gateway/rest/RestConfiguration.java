package io.rutile.gateway.rest;

import io.micrometer.core.instrument.MeterRegistry;
import io.rutile.gateway.access.Authenticator;
import io.rutile.gateway.access.FrontDoor;
import io.rutile.gateway.console.ClusterView;
import io.rutile.gateway.console.ConsolePages;
import io.rutile.gateway.kv.GatewayLimits;
import io.rutile.trace.Tracing;
import jakarta.servlet.DispatcherType;
import java.time.Duration;
import java.util.Map;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.boot.webmvc.autoconfigure.WebMvcRegistrations;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.core.Ordered;
import org.springframework.web.servlet.config.annotation.InterceptorRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;
import org.springframework.web.servlet.handler.SimpleUrlHandlerMapping;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerAdapter;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;

/** The parts of the edge, in the order in which a request meets them. */
@Configuration(proxyBeanMethods = false)
@Import({ProblemAdvice.class, OpenApiDocument.class})
public class RestConfiguration implements WebMvcConfigurer {

    private static final int CONSOLE_ORDER = 1;

    /** Nearly every answer of a cluster that is well comes within this. */
    private static final Duration ANSWER_MOMENT = Duration.ofMillis(50);

    @Bean
    HttpConnector httpConnector(RestSettings settings, MeterRegistry metrics) {
        return new HttpConnector(
                settings.busyConnectionsMax(), settings.http2ConnectionsMax(), settings.threadsMax(), metrics);
    }

    @Bean(initMethod = "start", destroyMethod = "close")
    StalledAnswers stalledAnswers(RestSettings settings, MeterRegistry metrics) {
        return new StalledAnswers(settings.answerPatience(), metrics);
    }

    @Bean
    WebMvcRegistrations dispatching(RestSettings settings, MeterRegistry metrics) {
        return new WebMvcRegistrations() {
            @Override
            public RequestMappingHandlerMapping getRequestMappingHandlerMapping() {
                return new RouteMapping();
            }

            @Override
            public RequestMappingHandlerAdapter getRequestMappingHandlerAdapter() {
                // The other half of the threads begins requests, and ends those that became asynchronous.
                return PromptAnswers.installed(settings.threadsMax() / 2, ANSWER_MOMENT, metrics);
            }
        };
    }

    /** Behind the filters that observe requests, in front of everything that might read a body. */
    @Bean
    FilterRegistrationBean<AdmissionFilter> admissionFilter(
            GatewayLimits limits, RestSettings settings, StalledAnswers stalled) {
        FilterRegistrationBean<AdmissionFilter> registration =
                new FilterRegistrationBean<>(new AdmissionFilter(limits, settings.bodyTimeout(), stalled));
        registration.setAsyncSupported(true);
        registration.setOrder(Ordered.HIGHEST_PRECEDENCE + 100);
        return registration;
    }

    /** Between the two: of who is not known there is no trace, and of who is not admitted there is. */
    @Bean
    FilterRegistrationBean<TraceFilter> traceFilter(Tracing tracing) {
        FilterRegistrationBean<TraceFilter> registration = new FilterRegistrationBean<>(new TraceFilter(tracing));
        registration.addUrlPatterns("/v1/*");
        registration.setDispatcherTypes(DispatcherType.REQUEST, DispatcherType.ASYNC);
        registration.setAsyncSupported(true);
        registration.setOrder(Ordered.HIGHEST_PRECEDENCE + 95);
        registration.setEnabled(tracing.isOn());
        return registration;
    }

    /** In front of admission: who is not known takes nobody's place, and their bodies are not read. */
    @Bean
    FilterRegistrationBean<CallerFilter> callerFilter(Authenticator authenticator, ManagementPaths management) {
        return CallerFilter.registration(new CallerFilter(authenticator, management, false));
    }

    @Override
    public void addInterceptors(InterceptorRegistry registry) {
        registry.addInterceptor(new StrictQuery()).addPathPatterns("/", "/v1/**");
        registry.addInterceptor(new Idempotency()).addPathPatterns("/v1/**");
    }

    @Bean
    TimeParameters timeParameters(RestSettings settings) {
        return new TimeParameters(settings.timeoutDefault(), settings.timeoutMax());
    }

    @Bean
    RawKvController rawKvController(FrontDoor door, TimeParameters times) {
        return new RawKvController(door, times);
    }

    @Bean
    TxnController txnController(FrontDoor door, TimeParameters times) {
        return new TxnController(door, times);
    }

    @Bean
    WatchController watchController(FrontDoor door) {
        return new WatchController(door);
    }

    @Bean
    ClusterController clusterController(ClusterView cluster) {
        return new ClusterController(cluster);
    }

    @Bean
    CallerController callerController(RestSettings settings) {
        return new CallerController(settings.asksCallers());
    }

    /** The console's pages, behind the controllers. */
    @Bean
    SimpleUrlHandlerMapping consoleMapping(ConsolePages pages) {
        ConsoleHandler handler = new ConsoleHandler(pages);
        return new SimpleUrlHandlerMapping(
                Map.of("/console", handler, "/console/", handler, "/console/*", handler), CONSOLE_ORDER);
    }

    @Bean
    IndexController indexController(RestSettings settings) {
        return new IndexController(new IndexController.Index("Rutile gateway", settings.version(), settings.links()));
    }
}
