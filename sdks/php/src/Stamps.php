<?php

declare(strict_types=1);

namespace RocketLearning;

/**
 * Where times and ids come from; tests bring their own.
 *
 * @internal
 */
final class Stamps
{
    /**
     * @param (\Closure(): \DateTimeInterface)|null $clock
     * @param (\Closure(): string)|null $newId
     */
    public function __construct(private readonly ?\Closure $clock = null, private readonly ?\Closure $newId = null)
    {
    }

    public function now(): string
    {
        return self::rfc3339($this->clock === null ? new \DateTimeImmutable() : ($this->clock)());
    }

    /** A random UUID of version 4 (RFC 9562). */
    public function newId(): string
    {
        if ($this->newId !== null) {
            return ($this->newId)();
        }
        $bytes = random_bytes(16);
        $bytes[6] = chr(ord($bytes[6]) & 0x0f | 0x40);
        $bytes[8] = chr(ord($bytes[8]) & 0x3f | 0x80);
        return vsprintf('%s%s-%s-%s-%s-%s%s%s', str_split(bin2hex($bytes), 4));
    }

    /** The caller's idempotency key, or a new one. */
    public function key(?string $given): string
    {
        return $given === null || $given === '' ? $this->newId() : $given;
    }

    /** RFC 3339 in UTC to the millisecond; finer is cut off. */
    public static function rfc3339(\DateTimeInterface $when): string
    {
        return \DateTimeImmutable::createFromInterface($when)
            ->setTimezone(new \DateTimeZone('UTC'))
            ->format('Y-m-d\TH:i:s.v\Z');
    }
}
