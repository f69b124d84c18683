/**
 * What the server answers. A field that may be null is an {@link java.util.Optional}; lists and
 * maps are never null and can't be changed. Fields that a newer server adds are passed over.
 */
package com.rocketlearning.model;
