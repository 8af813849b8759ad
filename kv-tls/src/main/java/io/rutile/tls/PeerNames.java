package io.rutile.tls;

import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;

/**
 * Which certificates, of those that are trusted, may connect. Names are compared letter by letter; nothing is a pattern.
 *
 * @param commonNames CN of the subject
 * @param alternativeNames DNS names and URIs among the subject alternative names; one of either list is enough
 */
public record PeerNames(Set<String> commonNames, Set<String> alternativeNames) {

    /** Whoever is trusted. */
    public static final PeerNames ANY = new PeerNames(Set.of(), Set.of());

    /** GeneralName's numbers in RFC 5280, 4.2.1.6. */
    private static final Set<Integer> DNS_AND_URI = Set.of(2, 6);

    public PeerNames {
        commonNames = Set.copyOf(commonNames);
        alternativeNames = Set.copyOf(alternativeNames);
    }

    /** Whether everybody who is trusted may connect. */
    public boolean isAny() {
        return commonNames.isEmpty() && alternativeNames.isEmpty();
    }

    boolean allows(X509Certificate certificate) {
        return isAny()
                || commonName(certificate).filter(commonNames::contains).isPresent()
                || (!alternativeNames.isEmpty()
                        && alternativeNames(certificate).stream().anyMatch(alternativeNames::contains));
    }

    /** The last CN of the subject, as X.500 counts from the root. */
    static Optional<String> commonName(X509Certificate certificate) {
        try {
            List<Rdn> parts = new LdapName(certificate.getSubjectX500Principal().getName()).getRdns();
            for (int i = parts.size() - 1; i >= 0; i--) {
                if (parts.get(i).getType().equalsIgnoreCase("CN")) {
                    return Optional.of(String.valueOf(parts.get(i).getValue()));
                }
            }
            return Optional.empty();
        } catch (InvalidNameException e) {
            return Optional.empty();
        }
    }

    private static List<String> alternativeNames(X509Certificate certificate) {
        try {
            List<String> names = new ArrayList<>();
            Collection<List<?>> all = certificate.getSubjectAlternativeNames();
            if (all != null) {
                for (List<?> name : all) {
                    if (DNS_AND_URI.contains(name.get(0))) {
                        names.add(String.valueOf(name.get(1)));
                    }
                }
            }
            return names;
        } catch (CertificateParsingException e) {
            return List.of();
        }
    }
}
