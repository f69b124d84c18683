<?php

declare(strict_types=1);

namespace RocketLearning\Tests\Support;

/**
 * The fields of the array shapes in doc comments: `array{…}`, `list<…>`, unions, and the names that
 * `@phpstan-type` and `@phpstan-import-type` give them.
 *
 * A shape becomes an array of its fields by name, a list `['[]' => …]`, and everything else no fields at all.
 *
 * @phpstan-type Fields array<string, mixed>
 */
final class Shapes
{
    private const TOKEN = "/\\G\\s*('[^']*'|[\\w\\\\\\-\$]+|[{}<>(),:?|])/";

    /** @var list<string> */
    private array $tokens;
    private int $at = 0;

    private function __construct(private readonly \ReflectionClass $class, string $type)
    {
        preg_match_all(self::TOKEN, $type, $found);
        $this->tokens = $found[1];
    }

    /** @return Fields of the answer */
    public static function returned(\ReflectionMethod $method): array
    {
        [$type] = self::tagged($method, '@return') ?: [''];
        return (new self($method->getDeclaringClass(), $type))->union();
    }

    /** @return Fields of what the parameter takes */
    public static function taken(\ReflectionParameter $parameter): array
    {
        $method = $parameter->getDeclaringFunction();
        foreach ($method instanceof \ReflectionMethod ? self::tagged($method, '@param') : [] as $text) {
            $self = new self($method->getDeclaringClass(), $text);
            $fields = $self->union();
            if ($self->next() === "\${$parameter->getName()}") {
                return $fields;
            }
        }
        return [];
    }

    /**
     * Dotted paths, with `[]` for the items of lists.
     *
     * @param Fields $fields
     * @return list<string>
     */
    public static function paths(array $fields, string $prefix = ''): array
    {
        $paths = [];
        foreach ($fields as $name => $inner) {
            $path = $name === '[]' ? "{$prefix}[]" : ltrim("{$prefix}.{$name}", '.');
            $paths = [...$paths, ...($name === '[]' ? [] : [$path]), ...self::paths($inner, $path)];
        }
        return $paths;
    }

    /**
     * What comes after a tag, each time it is there, up to the next one.
     *
     * @return list<string>
     */
    private static function tagged(\ReflectionMethod|\ReflectionClass $documented, string $tag): array
    {
        $text = preg_replace('#^\s*/?\*+/?#m', '', (string) $documented->getDocComment());
        preg_match_all('/' . preg_quote($tag, '/') . '\s(.*?)(?=^\s*@|\z)/sm', (string) $text, $found);
        return $found[1];
    }

    /** @return Fields */
    private function union(): array
    {
        $fields = [];
        do {
            $fields += $this->term();
        } while ($this->accept('|'));
        return $fields;
    }

    /** @return Fields */
    private function term(): array
    {
        $name = $this->next();
        if ($name === 'array' && $this->accept('{')) {
            return $this->shape();
        }
        if (!$this->accept('<')) {
            return $this->named($name);
        }
        do {
            $items = $this->union();
        } while ($this->accept(','));
        $this->accept('>');
        return $name === 'list' ? ['[]' => $items] : [];
    }

    /** @return Fields */
    private function shape(): array
    {
        $fields = [];
        while (!$this->accept('}')) {
            $name = $this->next();
            $this->accept('?');
            if (!$this->accept(':')) {
                throw new \LogicException("{$this->class->getShortName()}: a field {$name} without a type");
            }
            $fields[$name] = $this->union();
            $this->accept(',');
        }
        return $fields;
    }

    /** @return Fields of a type that the class declares or imports; none of all others */
    private function named(string $name): array
    {
        foreach (self::tagged($this->class, '@phpstan-type') as $declared) {
            [$alias, $type] = preg_split('/\s+/', trim($declared), 2) ?: ['', ''];
            if ($alias === $name) {
                return (new self($this->class, $type))->union();
            }
        }
        foreach (self::tagged($this->class, '@phpstan-import-type') as $imported) {
            [$alias, , $from] = preg_split('/\s+/', trim($imported)) ?: ['', '', ''];
            if ($alias === $name) {
                $class = new \ReflectionClass("{$this->class->getNamespaceName()}\\{$from}");
                return (new self($class, $name))->named($name);
            }
        }
        return [];
    }

    private function accept(string $token): bool
    {
        if (($this->tokens[$this->at] ?? '') !== $token) {
            return false;
        }
        $this->at++;
        return true;
    }

    private function next(): string
    {
        return $this->tokens[$this->at++] ?? throw new \LogicException("{$this->class->getShortName()}: a type ends");
    }
}
