<?php

declare(strict_types=1);

namespace RocketLearning;

/** Whether tries may be made: yes, no, or one to find out. */
enum BreakerState: string
{
    case Closed = 'closed';
    case Open = 'open';
    case HalfOpen = 'half_open';
}
