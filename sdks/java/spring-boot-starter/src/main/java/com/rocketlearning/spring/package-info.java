/**
 * A {@link com.rocketlearning.RocketClient} as a bean of Spring Boot, made from {@code rocket.*}
 * properties. An application that defines a client itself keeps its own.
 */
package com.rocketlearning.spring;
