package io.rutile.tls.spring;

import io.rutile.tls.ServerTls;
import java.security.KeyManagementException;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocketFactory;
import javax.net.ssl.SSLSessionContext;
import javax.net.ssl.TrustManager;
import org.apache.tomcat.util.net.SSLContext;
import org.jspecify.annotations.Nullable;

/** A listener's context as Tomcat wants it. */
final class TomcatContext implements SSLContext {

    private final ServerTls tls;

    TomcatContext(ServerTls tls) {
        this.tls = tls;
    }

    @Override
    public void init(KeyManager @Nullable [] keys, TrustManager @Nullable [] trusted, @Nullable SecureRandom random)
            throws KeyManagementException {
        throw new KeyManagementException("its keys are given elsewhere");
    }

    @Override
    public void destroy() {
        // Nothing is held that would have to be given back.
    }

    @Override
    public SSLSessionContext getServerSessionContext() {
        return tls.context().getServerSessionContext();
    }

    @Override
    public SSLEngine createSSLEngine() {
        return tls.context().createSSLEngine();
    }

    @Override
    public SSLServerSocketFactory getServerSocketFactory() {
        return tls.context().getServerSocketFactory();
    }

    @Override
    public SSLParameters getSupportedSSLParameters() {
        return tls.context().getSupportedSSLParameters();
    }

    /** Of whatever alias: there is one. For Tomcat's log. */
    @Override
    public X509Certificate[] getCertificateChain(@Nullable String alias) {
        return tls.keys().chain().toArray(new X509Certificate[0]);
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
        return new X509Certificate[0];
    }
}
